/*
description: >-
  The API's words for carriers and countries without what spelling alone makes different: capitals,
  dots, dashes, signs and spaces. Words that say that nothing is known are none.
grain: one row per kind and word that the data has
key: [kind, word]
columns:
  kind: carrier or country.
  word: The word as the API says it.
  folded: The word in small letters; null where it says nothing.
*/
with orders as (
    select carrier, country from staging.stg_printora__orders
),

logs as (
    select carrier, country from staging.stg_printora__webhook_logs
),

words as (
    select 'carrier' as kind, carrier as word from orders
    union
    select 'carrier' as kind, carrier as word from logs
    union
    select 'country' as kind, country as word from orders
    union
    select 'country' as kind, country as word from logs
),

marked as (
    select kind, word, replace(replace(replace(replace(word, '.', ''), '''', ''), '’', ''), '®', '') as bare
    from words
    where word is not null
),

parted as (
    select
        kind,
        word,
        replace(replace(replace(replace(bare, '-', ' '), '_', ' '), ',', ' '), '&', ' and ') as bare
    from marked
),

folded as (
    select kind, word, lower(trim(replace(replace(replace(bare, '™', ''), '  ', ' '), '  ', ' '))) as folded
    from parted
)

select
    kind,
    word,
    case
        when folded not in ('', 'n/a', 'none', 'null', 'nil', 'undefined', 'unknown', 'not available')
            and not (kind = 'country' and folded in ('xx', 'zz'))
            then folded
    end as folded
from folded
