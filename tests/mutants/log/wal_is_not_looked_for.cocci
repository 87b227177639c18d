// Of each database only the file itself is looked at.
// killers: test_places
@@
@@
places_remember_log(...)
{
<...
- PLACE_LOG_WAL
+ PLACE_LOG
...>
}
