// A name that another node uses again is not told.
// killers: test_echo
@@
@@
is_used_since(...)
{
<...
- record->item->told && is_name(record, mine->parent, mine->name)
+ is_name(record, mine->parent, mine->name)
...>
}
