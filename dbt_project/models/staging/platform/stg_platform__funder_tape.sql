{{ staged_feed('platform', 'funder_tape') }}
