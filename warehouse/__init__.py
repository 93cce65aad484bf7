"""Where things are stored: paths, the lake, the build file, releases, exports. Knows nothing of how rows came to be."""
