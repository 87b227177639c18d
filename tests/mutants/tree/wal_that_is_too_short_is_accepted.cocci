// A WAL is believed although later changes than its last have been written back.
// killers: test_seal
@@
expression written_back;
@@
counters_load(...)
{
<...
- counters->applied < written_back
+ false
...>
}
