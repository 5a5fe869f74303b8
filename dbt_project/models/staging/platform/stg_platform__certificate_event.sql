{{ staged_feed('platform', 'certificate_event') }}
