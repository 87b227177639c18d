// A database that a newer version has written is opened.
// killers: test_upgrade, test_log
@@
@@
sql_format(...)
{
<...
- found > FOLDER_FORMAT
+ false
...>
}
