{{ staged_feed('bank', 'account') }}
