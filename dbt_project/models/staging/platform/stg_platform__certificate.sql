{{ staged_feed('platform', 'certificate') }}
