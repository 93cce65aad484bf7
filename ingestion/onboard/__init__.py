"""A strange file -> a draft of its layout, for an engineer to finish; a changed file -> what to change in its layout.

Belongs here: looking at a file nobody described yet, and proposing. Does not belong here: reading a described file
(`readers`), or deciding anything: a draft is never used before a person has put it among the layouts.
"""
