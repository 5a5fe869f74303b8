{{ staged_feed('external', 'industry_index') }}
