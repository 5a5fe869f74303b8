{{ staged_feed('external', 'fx_rate') }}
