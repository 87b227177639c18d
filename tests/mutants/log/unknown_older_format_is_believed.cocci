// A database whose format is older than any that can be brought up to date is opened.
// killers: test_upgrade
@@
@@
sql_format(...)
{
<...
- found < FOLDER_FORMAT_OLDEST
+ false
...>
}
