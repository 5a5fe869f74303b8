{{ staged_feed('bank', 'balance') }}
