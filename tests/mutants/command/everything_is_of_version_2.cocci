// Commands that nodes of level 1 could read are written so that they cannot.
// killers: test_former, test_command
@@
@@
version_of(...)
{
- return level > 1 ? 2 : 1;
+ return 2;
}
