{{ staged_feed('erp', 'ap_payment') }}
