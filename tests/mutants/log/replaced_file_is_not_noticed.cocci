// A path that leads to another file is as good as the first one.
// killers: test_places
@@
@@
places_look(...)
{
<...
- now.st_ino != place->inode || now.st_dev != place->device
+ 0
...>
}
