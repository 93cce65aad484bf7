{{ place_counts(ref('stg_households'), 'households') }}
