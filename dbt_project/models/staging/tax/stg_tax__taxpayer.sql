{{ staged_feed('tax', 'taxpayer') }}
