// A name that a program here uses again is told as deleted.
// killers: test_echo, test_echo_answer
@@
@@
is_used_since(...)
{
<...
- if (record->item->told && is_name(record, mine->parent, mine->name)) return true;
...>
}
