// A snapshot has the format of this version although a member may be of level 1, which refuses it.
// killers: test_fetching
@@
@@
serving_open(...)
{
<...
- RECORD_FORMAT_OLDEST
+ RECORD_FORMAT
...>
}
