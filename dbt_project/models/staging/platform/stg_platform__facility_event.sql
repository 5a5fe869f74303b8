{{ staged_feed('platform', 'facility_event') }}
