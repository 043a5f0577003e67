"""`make demo`: the whole loop on a laptop, from raw rows to a canary that is rolled back."""
