// Writes that wait do not count: together they may take more than there is.
// killers: test_rooms
@@
@@
rooms_refuse(...)
{
<...
- r->writes.growth + rooms_growth(command)
+ rooms_growth(command)
...>
}
