# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named scenarios on real hosts: provoke them, and judge what is said about them.

catalogue  what there is, and what the kernel's record proves about each
provoke    run them in a guest
evidence   fetch the kernel's record and Podman's answers from the guest
judge      compare facts with the evidence
"""
