{{ staged_feed('platform', 'financing') }}
