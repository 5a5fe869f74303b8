{{ staged_feed('external', 'agency_rating') }}
