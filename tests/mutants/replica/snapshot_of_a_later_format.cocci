// A snapshot has the format of this version although a member may be of level 1, which refuses it.
// killers: test_fetching
@@
@@
format_for_all(...)
{
<...
- RECORD_FORMAT_OLDEST
+ RECORD_FORMAT
...>
}
