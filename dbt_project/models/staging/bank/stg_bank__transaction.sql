{{ staged_feed('bank', 'transaction') }}
