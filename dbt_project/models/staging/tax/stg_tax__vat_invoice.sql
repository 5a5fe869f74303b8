{{ staged_feed('tax', 'vat_invoice') }}
