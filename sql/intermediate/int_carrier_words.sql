/*
description: >-
  What the API's words for a carrier mean: one name for "dhl", "DHL Express" and "DHL-Paket". A word
  that is not known stays, in its first spelling by alphabet, so that cases alone make no two groups.
grain: one row per word that the data has
key: [word]
columns:
  word: The word as the API says it.
  carrier: The carrier's name, or the word where it is not known.
*/
with orders as (
    select carrier from staging.stg_printora__orders
),

logs as (
    select carrier from staging.stg_printora__webhook_logs
),

words as (
    select
        carrier as word,
        lower(trim(replace(replace(replace(carrier, '.', ''), '-', ' '), '_', ' '))) as folded
    from (select carrier from orders union select carrier from logs) as every_word
    where carrier is not null
),

known (name, carrier) as (
    values
        ('usps', 'USPS'), ('us postal service', 'USPS'), ('united states postal service', 'USPS'),
        ('ups', 'UPS'), ('united parcel service', 'UPS'), ('fedex', 'FedEx'), ('fed ex', 'FedEx'),
        ('federal express', 'FedEx'), ('dhl', 'DHL'), ('canada post', 'Canada Post'),
        ('postes canada', 'Canada Post'), ('royal mail', 'Royal Mail'),
        ('parcelforce', 'Parcelforce'), ('australia post', 'Australia Post'),
        ('auspost', 'Australia Post'), ('startrack', 'StarTrack'), ('nz post', 'NZ Post'),
        ('new zealand post', 'NZ Post'), ('deutsche post', 'Deutsche Post'), ('hermes', 'Hermes'),
        ('evri', 'Evri'), ('yodel', 'Yodel'), ('dpd', 'DPD'), ('gls', 'GLS'), ('tnt', 'TNT'),
        ('la poste', 'La Poste'), ('colissimo', 'Colissimo'), ('chronopost', 'Chronopost'),
        ('mondial relay', 'Mondial Relay'), ('correios', 'Correios'), ('correos', 'Correos'),
        ('seur', 'SEUR'), ('postnl', 'PostNL'), ('post nl', 'PostNL'), ('bpost', 'bpost'),
        ('swiss post', 'Swiss Post'), ('poste italiane', 'Poste Italiane'),
        ('postnord', 'PostNord'), ('inpost', 'InPost'), ('an post', 'An Post'),
        ('purolator', 'Purolator'), ('ontrac', 'OnTrac'), ('lasership', 'LaserShip'),
        ('amazon', 'Amazon'), ('aramex', 'Aramex'), ('japan post', 'Japan Post'),
        ('yamato', 'Yamato'), ('sagawa', 'Sagawa'), ('china post', 'China Post'),
        ('sf express', 'SF Express'), ('yanwen', 'Yanwen')
)

select
    words.word,
    coalesce(min(known.carrier), min(min(words.word)) over (partition by words.folded)) as carrier
from words
-- Its services follow its name.
left join known on words.folded = known.name or words.folded like known.name || ' %'
group by words.word, words.folded
