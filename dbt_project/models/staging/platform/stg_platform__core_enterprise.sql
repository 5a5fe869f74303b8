{{ staged_feed('platform', 'core_enterprise') }}
