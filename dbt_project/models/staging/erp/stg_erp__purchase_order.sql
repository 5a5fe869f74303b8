{{ staged_feed('erp', 'purchase_order') }}
