{{ staged_feed('external', 'financial_statement') }}
