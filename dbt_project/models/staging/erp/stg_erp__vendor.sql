{{ staged_feed('erp', 'vendor') }}
