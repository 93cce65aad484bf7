{{ place_counts(ref('stg_population'), 'population') }}
