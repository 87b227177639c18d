// A snapshot says the folder's format: nodes of the version before refuse it.
// killers: test_upgrade
@@
@@
read_piece(...)
{
<...
- RECORD_FORMAT
+ FOLDER_FORMAT
...>
}
