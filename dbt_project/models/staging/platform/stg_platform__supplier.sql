{{ staged_feed('platform', 'supplier') }}
