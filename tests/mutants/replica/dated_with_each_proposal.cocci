// A command that is proposed again gets another time: entries that are one command differ.
// killers: test_dates
@@
@@
proposal_add(...)
{
<...
- if (!w->proposed) command_date(w->entry->bytes, proposal->time);
+ command_date(w->entry->bytes, proposal->time);
...>
}
