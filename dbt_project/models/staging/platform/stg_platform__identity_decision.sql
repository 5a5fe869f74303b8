{{ staged_feed('platform', 'identity_decision') }}
