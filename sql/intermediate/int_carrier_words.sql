/*
description: >-
  What the API's words for a carrier mean: one name for "dhl", "DHL Express" and "DHL-Paket". A word
  that is not known stays, in its first spelling by alphabet, so that cases alone make no two groups.
grain: one row per word that the data has
key: [word]
columns:
  word: The word as the API says it.
  carrier: The carrier's name, or the word where it is not known; null where it says nothing.
*/
with words as (
    select word, folded from intermediate.int_folded_words where kind = 'carrier'
),

known (name, carrier) as (
    values
        ('usps', 'USPS'), ('us postal service', 'USPS'), ('united states postal service', 'USPS'),
        ('ups', 'UPS'), ('united parcel service', 'UPS'), ('fedex', 'FedEx'), ('fed ex', 'FedEx'),
        ('federal express', 'FedEx'), ('dhl', 'DHL'), ('canada post', 'Canada Post'),
        ('postes canada', 'Canada Post'), ('royal mail', 'Royal Mail'), ('royalmail', 'Royal Mail'),
        ('parcelforce', 'Parcelforce'), ('australia post', 'Australia Post'),
        ('auspost', 'Australia Post'), ('startrack', 'StarTrack'), ('nz post', 'NZ Post'),
        ('new zealand post', 'NZ Post'), ('deutsche post', 'Deutsche Post'),
        ('deutsche post dhl', 'DHL'), ('dhl group', 'DHL'), ('dhlecommerce', 'DHL'), ('hermes', 'Hermes'),
        ('evri', 'Evri'), ('yodel', 'Yodel'), ('dpd', 'DPD'), ('gls', 'GLS'), ('tnt', 'TNT'),
        ('la poste', 'La Poste'), ('colissimo', 'Colissimo'), ('chronopost', 'Chronopost'),
        ('mondial relay', 'Mondial Relay'), ('correios', 'Correios'), ('correos', 'Correos'),
        ('seur', 'SEUR'), ('postnl', 'PostNL'), ('post nl', 'PostNL'), ('bpost', 'bpost'),
        ('swiss post', 'Swiss Post'), ('poste italiane', 'Poste Italiane'),
        ('postnord', 'PostNord'), ('inpost', 'InPost'), ('an post', 'An Post'),
        ('purolator', 'Purolator'), ('ontrac', 'OnTrac'), ('lasership', 'LaserShip'),
        ('amazon', 'Amazon'), ('amzl', 'Amazon'), ('aramex', 'Aramex'), ('japan post', 'Japan Post'),
        ('yamato', 'Yamato'), ('sagawa', 'Sagawa'), ('china post', 'China Post'),
        ('sf express', 'SF Express'), ('yanwen', 'Yanwen')
)

select
    words.word,
    coalesce(
        min(known.carrier),
        case when words.folded is not null then min(min(words.word)) over (partition by words.folded) end
    ) as carrier
from words
-- Its services follow its name.
left join known on words.folded = known.name or words.folded like known.name || ' %'
group by words.word, words.folded
