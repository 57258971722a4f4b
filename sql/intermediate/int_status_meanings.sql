/*
description: >-
  What the API's words for an order's status mean to the models, in both vocabularies: a status that
  is not here is kept everywhere and means nothing. The sync has an order of its own for them, which
  says only what may follow what.
grain: one row per status of the API
key: [status]
columns:
  status: The API's word, in lower case.
  milestone: created, paid, shipped, delivered or cancelled.
  step: 1 to 4 along created, paid, shipped, delivered; each implies those before it. 9 is cancelled.
*/
select
    status,
    milestone,
    step
from (
    values
        ('pending', 'created', 1),
        ('created', 'created', 1),
        ('paid', 'paid', 2),
        ('processing', 'paid', 2),
        ('shipped', 'shipped', 3),
        ('delivered', 'delivered', 4),
        ('cancelled', 'cancelled', 9),
        ('canceled', 'cancelled', 9)
) as meanings (status, milestone, step)
