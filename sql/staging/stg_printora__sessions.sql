/*
description: Sessions that the partner created, from its own ledger, without personal fields.
grain: one row per session in the ledger
key: [session_id]
materialized: view
columns:
  session_id: The API's id of the session.
  created_at: When the session was created.
  mode: What the session was made from, image, creator or merch.
  told_status: The status that the ledger or the API told, if any.
  accessed_at: When the user first opened the session, where the ledger says so.
  customer_pseudonym: Keyed hash of the user's e-mail. Same person, same value.
  seen_at: When the ledger's line was read.
*/
select
    session_id,
    created_at,
    mode,
    status as told_status,
    accessed_at,
    customer_pseudonym,
    _seen_at as seen_at
from printora_raw.sessions
