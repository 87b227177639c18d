// A field of a later level is passed over.
// killers: test_command, test_tree_once
@@
@@
read_head(...)
{
<...
- op->type < OP_TYPE_END && type_levels[op->type] > 0 && (*mask & ~fields_known) == 0
+ op->type < OP_TYPE_END && type_levels[op->type] > 0
...>
}
