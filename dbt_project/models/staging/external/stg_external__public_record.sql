{{ staged_feed('external', 'public_record') }}
