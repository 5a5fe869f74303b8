{{ staged_feed('erp', 'ap_invoice') }}
