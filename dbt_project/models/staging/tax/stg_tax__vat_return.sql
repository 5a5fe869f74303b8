{{ staged_feed('tax', 'vat_return') }}
