"""Curves, drawn as SVG by gnuplot."""

import pathlib
import subprocess

COLOURS = {"quorumfs": "#c0392b", "etcd-v3": "#2471a3", "etcd-v2": "#7fb3d5"}


class Curve:
    """The points of one system, in the order in which they are joined."""

    def __init__(self, system):
        self.system = system
        self.points = []

    def add(self, x, y):
        self.points.append((x, y))


class Plots:
    """Draws into a folder, or nothing if there is none."""

    def __init__(self, folder):
        self.folder = folder and pathlib.Path(folder)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)

    def curves(self, name, title, x_label, y_label, curves, log_x=False, log_y=False):
        if not self.folder:
            return
        curves = [curve for curve in curves if curve.points]
        lines = [f"'-' with linespoints lw 2 pt 7 ps 0.5 lc rgb '{COLOURS[curve.system]}' title '{curve.system}'"
                 for curve in curves]
        data = "".join("".join(f"{x} {y}\n" for x, y in curve.points) + "e\n" for curve in curves)
        logarithmic = ("x" if log_x else "") + ("y" if log_y else "")
        script = (f"set terminal svg size 640,360 background rgb 'white' font 'sans-serif,12'\n"
                  f"set output '{self.folder / (name + '.svg')}'\n"
                  f"set title '{title}'\nset xlabel '{x_label}'\nset ylabel '{y_label}'\n"
                  f"set key outside right\nset grid lc rgb '#dddddd'\nset format x '%.0s%c'\n"
                  + (f"set logscale {logarithmic}\n" if logarithmic else "")
                  + ("" if log_y else "set yrange [0:*]\n") + ("" if log_x else "set xrange [0:*]\n")
                  + f"plot {', '.join(lines)}\n{data}")
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
