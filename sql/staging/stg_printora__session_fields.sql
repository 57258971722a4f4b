/*
description: >-
  What the ledger says in the fields that the setting session_fields lists. The build writes its
  select for them; without any, it is empty.
grain: one row per session and field
key: [session_id, name]
materialized: view
columns:
  session_id: The session.
  name: The field, in snake case; of one inside another, both names.
  value: What the ledger says, as far as the setting personal_data lets it in.
*/
select
    session_id,
    cast(null as varchar) as name,
    cast(null as varchar) as value
from printora_raw.sessions
where session_id is null
