{{ staged_feed('platform', 'repayment') }}
