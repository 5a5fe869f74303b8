{{ staged_feed('erp', 'goods_receipt') }}
