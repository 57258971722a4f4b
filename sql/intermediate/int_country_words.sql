/*
description: >-
  What the API's words for a country mean: the two letters of ISO 3166-1 for a code or a name in
  English, and some names that shops write. A word that is not known stays, in its first spelling
  by alphabet, so that cases alone make no two groups.
grain: one row per word that the data has
key: [word]
columns:
  word: The word as the API says it.
  country: The two letters of ISO 3166-1, or the word where it is not known; null where it says nothing.
*/
with words as (
    select word, folded from intermediate.int_folded_words where kind = 'country'
),

iso (code, letters, name) as (
    values
        ('AD', 'and', 'andorra'), ('AE', 'are', 'united arab emirates'),
        ('AF', 'afg', 'afghanistan'), ('AG', 'atg', 'antigua and barbuda'),
        ('AI', 'aia', 'anguilla'), ('AL', 'alb', 'albania'), ('AM', 'arm', 'armenia'),
        ('AO', 'ago', 'angola'), ('AQ', 'ata', 'antarctica'), ('AR', 'arg', 'argentina'),
        ('AS', 'asm', 'american samoa'), ('AT', 'aut', 'austria'), ('AU', 'aus', 'australia'),
        ('AW', 'abw', 'aruba'), ('AX', 'ala', 'åland islands'), ('AZ', 'aze', 'azerbaijan'),
        ('BA', 'bih', 'bosnia and herzegovina'), ('BB', 'brb', 'barbados'),
        ('BD', 'bgd', 'bangladesh'), ('BE', 'bel', 'belgium'), ('BF', 'bfa', 'burkina faso'),
        ('BG', 'bgr', 'bulgaria'), ('BH', 'bhr', 'bahrain'), ('BI', 'bdi', 'burundi'),
        ('BJ', 'ben', 'benin'), ('BL', 'blm', 'saint barthélemy'), ('BM', 'bmu', 'bermuda'),
        ('BN', 'brn', 'brunei'), ('BO', 'bol', 'bolivia'),
        ('BQ', 'bes', 'bonaire, sint eustatius and saba'), ('BR', 'bra', 'brazil'),
        ('BS', 'bhs', 'bahamas'), ('BT', 'btn', 'bhutan'), ('BV', 'bvt', 'bouvet island'),
        ('BW', 'bwa', 'botswana'), ('BY', 'blr', 'belarus'), ('BZ', 'blz', 'belize'),
        ('CA', 'can', 'canada'), ('CC', 'cck', 'cocos (keeling) islands'),
        ('CD', 'cod', 'congo kinshasa'), ('CF', 'caf', 'central african republic'),
        ('CG', 'cog', 'congo'), ('CH', 'che', 'switzerland'), ('CI', 'civ', 'ivory coast'),
        ('CK', 'cok', 'cook islands'), ('CL', 'chl', 'chile'), ('CM', 'cmr', 'cameroon'),
        ('CN', 'chn', 'china'), ('CO', 'col', 'colombia'), ('CR', 'cri', 'costa rica'),
        ('CU', 'cub', 'cuba'), ('CV', 'cpv', 'cabo verde'), ('CW', 'cuw', 'curaçao'),
        ('CX', 'cxr', 'christmas island'), ('CY', 'cyp', 'cyprus'), ('CZ', 'cze', 'czechia'),
        ('DE', 'deu', 'germany'), ('DJ', 'dji', 'djibouti'), ('DK', 'dnk', 'denmark'),
        ('DM', 'dma', 'dominica'), ('DO', 'dom', 'dominican republic'), ('DZ', 'dza', 'algeria'),
        ('EC', 'ecu', 'ecuador'), ('EE', 'est', 'estonia'), ('EG', 'egy', 'egypt'),
        ('EH', 'esh', 'western sahara'), ('ER', 'eri', 'eritrea'), ('ES', 'esp', 'spain'),
        ('ET', 'eth', 'ethiopia'), ('FI', 'fin', 'finland'), ('FJ', 'fji', 'fiji'),
        ('FK', 'flk', 'falkland islands'), ('FM', 'fsm', 'micronesia'),
        ('FO', 'fro', 'faroe islands'), ('FR', 'fra', 'france'), ('GA', 'gab', 'gabon'),
        ('GB', 'gbr', 'united kingdom'), ('GD', 'grd', 'grenada'), ('GE', 'geo', 'georgia'),
        ('GF', 'guf', 'french guiana'), ('GG', 'ggy', 'guernsey'), ('GH', 'gha', 'ghana'),
        ('GI', 'gib', 'gibraltar'), ('GL', 'grl', 'greenland'), ('GM', 'gmb', 'gambia'),
        ('GN', 'gin', 'guinea'), ('GP', 'glp', 'guadeloupe'), ('GQ', 'gnq', 'equatorial guinea'),
        ('GR', 'grc', 'greece'), ('GS', 'sgs', 'south georgia and the south sandwich islands'),
        ('GT', 'gtm', 'guatemala'), ('GU', 'gum', 'guam'), ('GW', 'gnb', 'guinea bissau'),
        ('GY', 'guy', 'guyana'), ('HK', 'hkg', 'hong kong'),
        ('HM', 'hmd', 'heard island and mcdonald islands'), ('HN', 'hnd', 'honduras'),
        ('HR', 'hrv', 'croatia'), ('HT', 'hti', 'haiti'), ('HU', 'hun', 'hungary'),
        ('ID', 'idn', 'indonesia'), ('IE', 'irl', 'ireland'), ('IL', 'isr', 'israel'),
        ('IM', 'imn', 'isle of man'), ('IN', 'ind', 'india'),
        ('IO', 'iot', 'british indian ocean territory'), ('IQ', 'irq', 'iraq'),
        ('IR', 'irn', 'iran'), ('IS', 'isl', 'iceland'), ('IT', 'ita', 'italy'),
        ('JE', 'jey', 'jersey'), ('JM', 'jam', 'jamaica'), ('JO', 'jor', 'jordan'),
        ('JP', 'jpn', 'japan'), ('KE', 'ken', 'kenya'), ('KG', 'kgz', 'kyrgyzstan'),
        ('KH', 'khm', 'cambodia'), ('KI', 'kir', 'kiribati'), ('KM', 'com', 'comoros'),
        ('KN', 'kna', 'saint kitts and nevis'), ('KP', 'prk', 'north korea'),
        ('KR', 'kor', 'south korea'), ('KW', 'kwt', 'kuwait'), ('KY', 'cym', 'cayman islands'),
        ('KZ', 'kaz', 'kazakhstan'), ('LA', 'lao', 'laos'), ('LB', 'lbn', 'lebanon'),
        ('LC', 'lca', 'saint lucia'), ('LI', 'lie', 'liechtenstein'), ('LK', 'lka', 'sri lanka'),
        ('LR', 'lbr', 'liberia'), ('LS', 'lso', 'lesotho'), ('LT', 'ltu', 'lithuania'),
        ('LU', 'lux', 'luxembourg'), ('LV', 'lva', 'latvia'), ('LY', 'lby', 'libya'),
        ('MA', 'mar', 'morocco'), ('MC', 'mco', 'monaco'), ('MD', 'mda', 'moldova'),
        ('ME', 'mne', 'montenegro'), ('MF', 'maf', 'saint martin'), ('MG', 'mdg', 'madagascar'),
        ('MH', 'mhl', 'marshall islands'), ('MK', 'mkd', 'north macedonia'), ('ML', 'mli', 'mali'),
        ('MM', 'mmr', 'myanmar'), ('MN', 'mng', 'mongolia'), ('MO', 'mac', 'macao'),
        ('MP', 'mnp', 'northern mariana islands'), ('MQ', 'mtq', 'martinique'),
        ('MR', 'mrt', 'mauritania'), ('MS', 'msr', 'montserrat'), ('MT', 'mlt', 'malta'),
        ('MU', 'mus', 'mauritius'), ('MV', 'mdv', 'maldives'), ('MW', 'mwi', 'malawi'),
        ('MX', 'mex', 'mexico'), ('MY', 'mys', 'malaysia'), ('MZ', 'moz', 'mozambique'),
        ('NA', 'nam', 'namibia'), ('NC', 'ncl', 'new caledonia'), ('NE', 'ner', 'niger'),
        ('NF', 'nfk', 'norfolk island'), ('NG', 'nga', 'nigeria'), ('NI', 'nic', 'nicaragua'),
        ('NL', 'nld', 'netherlands'), ('NO', 'nor', 'norway'), ('NP', 'npl', 'nepal'),
        ('NR', 'nru', 'nauru'), ('NU', 'niu', 'niue'), ('NZ', 'nzl', 'new zealand'),
        ('OM', 'omn', 'oman'), ('PA', 'pan', 'panama'), ('PE', 'per', 'peru'),
        ('PF', 'pyf', 'french polynesia'), ('PG', 'png', 'papua new guinea'),
        ('PH', 'phl', 'philippines'), ('PK', 'pak', 'pakistan'), ('PL', 'pol', 'poland'),
        ('PM', 'spm', 'saint pierre and miquelon'), ('PN', 'pcn', 'pitcairn'),
        ('PR', 'pri', 'puerto rico'), ('PS', 'pse', 'palestine'), ('PT', 'prt', 'portugal'),
        ('PW', 'plw', 'palau'), ('PY', 'pry', 'paraguay'), ('QA', 'qat', 'qatar'),
        ('RE', 'reu', 'réunion'), ('RO', 'rou', 'romania'), ('RS', 'srb', 'serbia'),
        ('RU', 'rus', 'russia'), ('RW', 'rwa', 'rwanda'), ('SA', 'sau', 'saudi arabia'),
        ('SB', 'slb', 'solomon islands'), ('SC', 'syc', 'seychelles'), ('SD', 'sdn', 'sudan'),
        ('SE', 'swe', 'sweden'), ('SG', 'sgp', 'singapore'), ('SH', 'shn', 'saint helena'),
        ('SI', 'svn', 'slovenia'), ('SJ', 'sjm', 'svalbard and jan mayen'),
        ('SK', 'svk', 'slovakia'), ('SL', 'sle', 'sierra leone'), ('SM', 'smr', 'san marino'),
        ('SN', 'sen', 'senegal'), ('SO', 'som', 'somalia'), ('SR', 'sur', 'suriname'),
        ('SS', 'ssd', 'south sudan'), ('ST', 'stp', 'sao tome and principe'),
        ('SV', 'slv', 'el salvador'), ('SX', 'sxm', 'sint maarten'), ('SY', 'syr', 'syria'),
        ('SZ', 'swz', 'eswatini'), ('TC', 'tca', 'turks and caicos islands'),
        ('TD', 'tcd', 'chad'), ('TF', 'atf', 'french southern territories'), ('TG', 'tgo', 'togo'),
        ('TH', 'tha', 'thailand'), ('TJ', 'tjk', 'tajikistan'), ('TK', 'tkl', 'tokelau'),
        ('TL', 'tls', 'timor leste'), ('TM', 'tkm', 'turkmenistan'), ('TN', 'tun', 'tunisia'),
        ('TO', 'ton', 'tonga'), ('TR', 'tur', 'turkey'), ('TT', 'tto', 'trinidad and tobago'),
        ('TV', 'tuv', 'tuvalu'), ('TW', 'twn', 'taiwan'), ('TZ', 'tza', 'tanzania'),
        ('UA', 'ukr', 'ukraine'), ('UG', 'uga', 'uganda'),
        ('UM', 'umi', 'united states minor outlying islands'), ('US', 'usa', 'united states'),
        ('UY', 'ury', 'uruguay'), ('UZ', 'uzb', 'uzbekistan'), ('VA', 'vat', 'vatican city'),
        ('VC', 'vct', 'saint vincent and the grenadines'), ('VE', 'ven', 'venezuela'),
        ('VG', 'vgb', 'british virgin islands'), ('VI', 'vir', 'us virgin islands'),
        ('VN', 'vnm', 'vietnam'), ('VU', 'vut', 'vanuatu'), ('WF', 'wlf', 'wallis and futuna'),
        ('WS', 'wsm', 'samoa'), ('YE', 'yem', 'yemen'), ('YT', 'myt', 'mayotte'),
        ('ZA', 'zaf', 'south africa'), ('ZM', 'zmb', 'zambia'), ('ZW', 'zwe', 'zimbabwe')
),

others (code, name) as (
    values
        ('US', 'united states of america'), ('US', 'america'), ('GB', 'uk'),
        ('GB', 'great britain'), ('GB', 'england'), ('GB', 'scotland'), ('GB', 'wales'),
        ('GB', 'northern ireland'), ('GB', 'united kingdom of great britain and northern ireland'),
        ('DE', 'deutschland'), ('BR', 'brasil'), ('ES', 'españa'), ('ES', 'espana'),
        ('IT', 'italia'), ('NL', 'the netherlands'), ('NL', 'holland'), ('NL', 'nederland'),
        ('AT', 'österreich'), ('AT', 'osterreich'), ('CH', 'schweiz'), ('CH', 'suisse'),
        ('CH', 'svizzera'), ('BE', 'belgië'), ('BE', 'belgique'), ('BE', 'belgien'),
        ('MX', 'méxico'), ('PL', 'polska'), ('SE', 'sverige'), ('NO', 'norge'), ('DK', 'danmark'),
        ('FI', 'suomi'), ('CZ', 'czech republic'), ('KR', 'korea'), ('KR', 'republic of korea'),
        ('RU', 'russian federation'), ('JP', 'nippon'), ('CN', 'prc'),
        ('CN', 'peoples republic of china'), ('TR', 'türkiye'), ('TR', 'turkiye'),
        ('IE', 'republic of ireland'), ('IE', 'éire'), ('IE', 'eire'), ('AE', 'uae'),
        ('VN', 'viet nam'), ('GR', 'hellas'), ('NZ', 'aotearoa'), ('PT', 'portuguese republic'),
        ('CI', 'côte divoire'), ('CI', 'cote divoire'), ('MK', 'macedonia'), ('US', 'us of a'), ('US', 'estados unidos'),
        ('US', 'états unis'), ('US', 'vereinigte staaten'), ('US', 'vereinigte staaten von amerika'),
        ('GB', 'großbritannien'), ('GB', 'vereinigtes königreich'), ('GB', 'reino unido'),
        ('GB', 'royaume uni'), ('AT', 'oesterreich'), ('DE', 'allemagne'), ('DE', 'alemania'),
        ('FR', 'frankreich'), ('FR', 'francia'), ('HU', 'magyarország'), ('GR', 'el'),
        ('CV', 'cape verde'), ('SZ', 'swaziland'), ('XK', 'kosovo'), ('BA', 'bosnia'),
        ('AX', 'aland islands'), ('MM', 'burma'), ('KR', 'korea republic of'),
        ('KR', 'korea south'), ('TW', 'taiwan province of china'), ('HK', 'hong kong sar'),
        ('HK', 'hong kong sar china'), ('MO', 'macau'), ('MO', 'macau sar china'),
        ('MD', 'moldova republic of'), ('IR', 'iran islamic republic of'),
        ('TZ', 'tanzania united republic of'), ('VE', 'venezuela bolivarian republic of'),
        ('BO', 'bolivia plurinational state of'), ('RU', 'россия'), ('JP', '日本'), ('CN', '中国')
),

names as (
    select lower(code) as folded, code from iso
    union
    select letters as folded, code from iso
    union
    select name as folded, code from iso
    union
    select name as folded, code from others
)

select
    words.word,
    coalesce(
        names.code,
        case when words.folded is not null then min(words.word) over (partition by words.folded) end
    ) as country
from words
left join names on words.folded = names.folded
