/*
description: >-
  What words for an order's status show that no text of the API has, and other shops do: as far as
  they leave no doubt. They keep their names everywhere, and ask for no event.
grain: one row per word
key: [status]
columns:
  status: The word, in lower case.
  step: 2 (it was paid) or 3 (it was shipped), at the least.
  is_refunded: Whether all of the money was given back.
*/
select
    status,
    step,
    is_refunded
from (
    values
        ('refunded', 2, true),
        ('partially_refunded', 2, false),
        ('returned', 3, false),
        ('in_transit', 3, false),
        ('out_for_delivery', 3, false)
) as implications (status, step, is_refunded)
