{{ staged_feed('platform', 'party_relation') }}
